"""What every operation needs: tokens, limits, scopes, parameters, bodies, pages. Names no operation."""
