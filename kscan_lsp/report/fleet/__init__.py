"""The report of many projects: one row for each, scores by project and team, and a module for each form.

A row is what one scan said, cut down to what is compared. A project that could not be judged is a row, too, with the
problem and the status that stands for it: nothing that was asked about is ever left out.
"""
