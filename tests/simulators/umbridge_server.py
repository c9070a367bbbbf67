"""A small UM-Bridge server on this machine, for tests; run as a program it serves at the port that is its argument."""

import contextlib
import socket
import subprocess
import sys
import time
import urllib.request

import numpy as np

SIZES = (3, 2)
"""Lengths of the two vectors that the models give."""


def weights(cells):
    """Of the data by cell."""
    return np.random.default_rng(8).uniform(-1.0, 1.0, (sum(SIZES), cells))


def sums(property, scale=1.0):
    """What the models predict: weighted sums of the squared property."""
    flat = np.ravel(property)
    return scale * weights(flat.size) @ flat**2


@contextlib.contextmanager
def server(program=__file__):
    """The address of a server, this file or another program that takes a port, that ends with the block."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, str(program), str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/Info"):
                break
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.05)
        yield url
    finally:
        process.kill()  # it would wait for evaluations that are under way
        process.communicate()


def serve(port):
    """Serve a model with gradients, one without, and one that takes two vectors."""
    import umbridge

    class Blind(umbridge.Model):
        inputs = 1

        def get_input_sizes(self, config):
            return [config.get("cells", 9)] * self.inputs

        def get_output_sizes(self, config):
            return list(SIZES)

        def __call__(self, parameters, config):
            if parameters[0][0] < -90:
                raise RuntimeError("the mesh has a hole")
            if parameters[0][0] > 90:
                time.sleep(parameters[0][1])
            data = sums(parameters[0], config.get("scale", 1.0)) + (np.nan if parameters[0][1] < -90 else 0.0)
            short = -1 if parameters[0][2] < -90 else None
            return [data[: SIZES[0]][:short].tolist(), data[SIZES[0] :].tolist()]

        def supports_evaluate(self):
            return True

    class Sums(Blind):
        def gradient(self, out_wrt, in_wrt, parameters, sens, config):
            return (np.asarray(sens) @ self.jacobian(out_wrt, parameters, config)).tolist()

        def apply_jacobian(self, out_wrt, in_wrt, parameters, vec, config):
            return (self.jacobian(out_wrt, parameters, config) @ vec).tolist()

        def jacobian(self, out_wrt, parameters, config):
            rows = slice(0, SIZES[0]) if out_wrt == 0 else slice(SIZES[0], None)
            flat = np.asarray(parameters[0])
            return config.get("scale", 1.0) * weights(flat.size)[rows] * 2 * flat

        def supports_gradient(self):
            return True

        def supports_apply_jacobian(self):
            return True

    class Pair(Blind):
        inputs = 2

    umbridge.serve_models([Sums("sums"), Blind("blind"), Pair("pair")], port, max_workers=4)


if __name__ == "__main__":
    serve(int(sys.argv[1]))
