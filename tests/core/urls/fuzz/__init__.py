"""A fuzzer of the URL grammar, which shares no code with it.

It glues writing in many scripts, markup of many kinds and one to three URLs together, and knows by
construction what must come of each text: what stays byte for byte, and what every URL becomes.
Where a text has two honest ends, it checks the law of conservation instead: a rewrite takes away a
URL and nothing else, and no URL is passed over in silence.

::

    python -m tests.core.urls.fuzz --minutes 10 [--seed N] [--texts N] [--jobs N]
    python -m tests.core.urls.fuzz --seed N --only 4711      # one text again, with what came of it
"""
