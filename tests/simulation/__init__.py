"""A whole migration in one process, under one seed: it finds faults by trying, and replays them.

``python -m tests.simulation --seeds 1000`` runs a thousand migrations, each of them generated from
its seed alone: documents, what the application does to them, commands of the program, what happens
to the object store, the clock, the disk and the plan files, and at which instant (between read and
write, before a row of the journal is durable, ...) a signal, a kill or a lost answer comes.

=============== ==================================================================================
module          holds
=============== ==================================================================================
``clock``       time as the whole process sees it; it stands still unless the simulation moves it
``vocabulary``  the URLs that documents hold, each with what it becomes: the model's own table
``database``    documents with preconditions, which remember who wrote each string
``objects``     the object store
``disk``        SQLite and renames, as a process that is killed or meets a full disk leaves them
``driver``      runs a command of the program in this process; the only part that knows the program
``scenario``    what happens in one migration, as values: generated from a seed, shrunk, printed
``world``       carries out a scenario
``model``       what every string should be, and what each command must have said
``mutants``     the program, broken on purpose: proves that the simulation would notice
=============== ==================================================================================

The model shares no code with the program: it knows what the application wrote, what the program
wrote over it, and a table of URLs.
"""
