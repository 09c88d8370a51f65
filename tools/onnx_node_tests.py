#!/usr/bin/env python3
"""onnx_node_tests.py FOLDER: writes the ONNX project's operator tests as folders of model.onnx, test_data_set_*/*.pb.

Needs Python's onnx package, which holds the tests as code. `ocellus conformance FOLDER/*` runs them.
"""
import pathlib
import sys
import warnings

import onnx
from onnx import numpy_helper
from onnx.backend.test.case.node import collect_testcases


def to_proto(value, info):
    """A tensor, sequence or optional as test data have it."""
    if isinstance(value, onnx.TensorProto):
        return value
    kind = info.type.WhichOneof("value")
    if kind == "sequence_type":
        return numpy_helper.from_list(value, info.name)
    if kind == "optional_type":
        return numpy_helper.from_optional(value, info.name)
    return numpy_helper.from_array(value, info.name)


def write_case(case, folder):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(case.model.SerializeToString(deterministic=True))
    for number, data in enumerate(case.data_sets):
        at = folder / f"test_data_set_{number}"
        at.mkdir(exist_ok=True)
        for what, values, infos in zip(("input", "output"), data, (case.model.graph.input, case.model.graph.output)):
            for i, value in enumerate(values):
                (at / f"{what}_{i}.pb").write_bytes(to_proto(value, infos[i]).SerializeToString(deterministic=True))


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    warnings.simplefilter("ignore")
    top = pathlib.Path(sys.argv[1])
    cases = collect_testcases(None)
    written = 0
    for case in cases:
        if case.data_sets is None:
            continue
        write_case(case, top / case.name)
        written += 1
    print(f"{written} tests of {onnx.__version__} in {top}")


if __name__ == "__main__":
    main()
