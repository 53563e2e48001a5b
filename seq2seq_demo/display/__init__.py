"""Output for users: text, JSON, tables, pictures and logs of networks and training runs."""
