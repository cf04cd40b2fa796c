"""What both brains go by: playbooks, prompts and the words of replies, versioned by content."""
