"""The parts of the HTML page, one module for each; `report/html.py` puts them together.

A part takes the report and gives lines of HTML, none where there is nothing to say. Whatever comes from a manifest or
a file's name goes through `text.text`. No part has a script, a `style` attribute or an address of another host: the
page's policy forbids them.
"""
