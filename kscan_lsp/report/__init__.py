"""Reports: judged files -> one frozen `Report` -> text in some form.

`build` makes a Report, `model` says what is in it, `formats` lists the forms; each form is one module and a pure function of
a Report, so that no two can disagree. Imports the rooms up to `fixes`, touches no files and no terminal. What a format does
not show is not worked out; secrets are never repeated; no text of a manifest reaches a terminal or a page unescaped.
"""
