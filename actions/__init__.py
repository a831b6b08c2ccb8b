"""What the connector can do: one YAML file per resource."""
