"""Files judged together: {path: checked file}, a new `Project` for each edit; and what settings hold in a folder.

Imports the engine, dispositions and all before them; fixes, reports, the command line and the editor stand on it. What
an edited project says, and in which order, is what a fresh one with the same texts says. Data is frozen, findings stay
with their resource, and here is the one place that makes locations of spans and lines of locations. Files are read
here for settings and policies only: manifests come as text.
"""
