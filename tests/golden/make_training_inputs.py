#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes training_inputs.npz: the inputs of all cases of ../shared/golden/training.h5.

That file keeps its inputs in a chunk layout that only HDF5 2.0 reads; Debian's 1.10 reads all the
rest, which the test takes from the file itself. The inputs are sixteenths, kept here as bytes.
Made with Python 3.11, h5py 3.16 (HDF5 2.0), numpy 2.4.

    make_training_inputs.py ../shared/golden/training.h5 training_inputs.npz
"""
import sys

import h5py
import numpy as np

with h5py.File(sys.argv[1]) as file:
    inputs = {}
    for case in sorted(file):
        sixteenths = file[f"{case}/x"][()] * 16
        assert np.array_equal(sixteenths, np.rint(sixteenths))
        inputs[case] = sixteenths.astype(np.uint8)
np.savez_compressed(sys.argv[2], **inputs)
