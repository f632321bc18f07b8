"""What Kubernetes means by a document: its objects, the types of their fields, and how parts of them are read.

The objects that a document declares (`resources.py`) and where a path in one stands (`locate.py`), the types of
fields and values of a wrong one (`schema.py`, `type_errors.py`), and the readings that several rooms share: label
selectors, image references, RBAC rules.

Imports the vocabulary and `yaml`. Rules that come from Kubernetes name their source. Nothing here knows what is
insecure.
"""
