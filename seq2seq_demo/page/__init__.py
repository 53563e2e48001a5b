"""An HTML page that runs trained networks."""
