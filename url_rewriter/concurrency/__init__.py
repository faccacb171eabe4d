"""Waiting and working at once: workers, rates, retries, interruption, batches, garbage."""
