"""Files: bytes to text and back, which files of a folder are manifests, and which are parts of something else.

May import the rooms up to `settings`, and reads kustomizations with `yaml`. It touches the disk, and judges
nothing. What cannot be read is a value with a reason, never an exception. A written file keeps its encoding, mode,
byte order mark and line ends, and is replaced in one step. No link leads a walk out of the repository.
"""
