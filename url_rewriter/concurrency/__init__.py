"""Waiting and working at once: workers, rates, interruption, batches, the garbage collector."""
