"""The agent's way to the servers: catalog, client, interceptors."""
