"""What goes on behind the API: the control surface, webhook deliveries, trouble on demand."""
