"""Six MCP servers. Each runs alone; store data and backends are injected."""
