"""The web server of an agent that a person uses: who may come in, and what is served to them."""
