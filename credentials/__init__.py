"""On whose behalf: one YAML file per kind of credential."""
