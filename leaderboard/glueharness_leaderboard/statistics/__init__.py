"""The statistics behind every number of the leaderboard: arrays in, dataclasses out.

Read from the top: ``influence`` says how far each row moves a score, ``variance`` splits what is
uncertain into rows and seeds, ``difference`` tests two contestants, ``score_interval`` gives the
interval of one, ``ranks`` turns all tests of a table into rank ranges. ``selection`` corrects
for the best of several candidates, ``detectable`` says what difference would show.
"""
