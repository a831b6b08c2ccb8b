"""What goes on behind the API: the control API, webhook deliveries and faults on demand."""
