"""Many projects judged, each as its own scan would: found or listed, spread over processes or a cluster, reported.

Judging one is a function of its files, so that many are a map: over this process, over processes of this machine, or
over whatever has the interface of `concurrent.futures`, such as a Dask cluster.
"""
