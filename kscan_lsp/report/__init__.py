"""Reports: judged files -> one frozen `Report` -> text in some form.

`build` makes a Report, `model` says what is in it, `formats` lists the forms. A form is one module, a pure function of
a Report, so that no two can disagree. May import the rooms up to `fixes`; touches no files and no terminal. What a
format does not show is not worked out; values that may be secrets are never repeated; no text of a manifest reaches a
terminal or a page as it is.
"""
