"""An application that goes on writing, a wire that fails, and an oracle of who was named.

Nothing here shares code with the watch: the application keeps its own ledger of what it wrote, by
the answers of the server.
"""
