"""Training by several processes, each with its part of every batch: ``--devices N``.

The first process is the user's own: it holds the run, plans the steps, scores and saves. The others
are told what to do, write nothing and end with it. Read ``leader`` for the first one's side,
``helper`` for the others', ``shares`` for what all of them do in a step, ``world`` for how they
talk, and ``starting`` for how they come together.
"""
