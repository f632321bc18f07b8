"""The objects of a workspace as the others see them: found by keys, related to each other, and who depends on what.

Imports kubernetes and files (for the order of names) and what lies before them, nothing of policies. An index never
changes, and a change to a file gives exactly the keys under which anything is different; its order is that of names
and texts, however they came. Whether a relation is a security problem is for controls to say.
"""
