#!/bin/sh
# Runs the compiler ($1); crates of this project are compiled with coverage counters for libFuzzer and with checks.
case " $* " in
*" --crate-name assize_models "* | *" --crate-name assize_tables "* | *" --crate-name assize_fuzz "*)
    exec "$@" --cfg fuzzing -C passes=sancov-module -C llvm-args=-sanitizer-coverage-level=4 \
        -C llvm-args=-sanitizer-coverage-inline-8bit-counters -C llvm-args=-sanitizer-coverage-pc-table \
        -C llvm-args=-sanitizer-coverage-trace-compares -C overflow-checks=on -C debug-assertions=on
    ;;
*) exec "$@" ;;
esac
