"""The tests inside control files: manifests with the expected findings marked under the text.

May import the rooms up to `fixes`, and judges with the same engine as a scan. A control passes only if its tests show
it at work: something it finds, and a fix that holds if it has one. What went wrong is a text for the control's author.
"""
