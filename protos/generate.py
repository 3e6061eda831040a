"""Build `generated/` from `protos/`: modules, type stubs and Envoy's descriptor set. Needs no network.

python protos/generate.py            writes what changed and deletes what has no source any more
python protos/generate.py --check    writes nothing; fails and names the files when `generated/` is stale
python protos/generate.py --image F  writes F, an image with comments and positions, for buf
"""

import argparse
import subprocess
import sys
import sysconfig
import tempfile
from importlib.resources import files
from pathlib import Path

import google.api
from google.protobuf import descriptor_pb2, duration_pb2, field_mask_pb2, timestamp_pb2
from google.protobuf.message import Message
from protovalidate._gen.buf.validate import validate_pb

PROTOS = Path(__file__).resolve().parent
GENERATED = PROTOS.parent / "generated"
# googleapis-common-protos ships its .proto files beside its modules.
GOOGLE_PROTOS = Path(next(iter(google.api.__path__))).parents[1]
VALIDATE = "buf/validate/validate.proto"
# Envoy's transcoder renders an error's details only when it knows their types; HttpBody carries raw bodies.
ENVOY_NEEDS = ("google/api/httpbody.proto", "google/rpc/error_details.proto", "google/rpc/status.proto")


class GenerationError(Exception):
    """Says in one text what keeps the code from being generated."""


def main(arguments: list[str]) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--check", action="store_true", help="compare, write nothing")
    choice.add_argument("--image", type=Path, metavar="FILE", help="write an image for buf and nothing else")
    options = parser.parse_args(arguments)
    try:
        if options.image:
            write_image(options.image)
            return 0
        with tempfile.TemporaryDirectory() as folder:
            generate(Path(folder))
            changes = compare(Path(folder), GENERATED)
            if options.check:
                return report_stale(changes)
            apply(changes, Path(folder), GENERATED)
    except GenerationError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"generated/: {len(changes)} files changed" if changes else "generated/: up to date")
    return 0


def report_stale(changes: list[Path]) -> int:
    """Name the files that differ from their sources and return the exit code."""
    for path in changes:
        print(f"generated/{path} is stale", file=sys.stderr)
    if changes:
        print("Run `make generate` and commit the result.", file=sys.stderr)
    return 1 if changes else 0


def generate(output: Path) -> None:
    """Compile every contract into an empty folder."""
    sources = own_sources()
    services = [source for source in sources if "\nservice " in (PROTOS / source).read_text(encoding="utf-8")]
    run_protoc(
        [
            f"--python_out={output}",
            f"--plugin=protoc-gen-mypy={installed_plugin('protoc-gen-mypy')}",
            f"--mypy_out=quiet:{output}",
            *sources,
            VALIDATE,
        ]
    )
    run_protoc(
        [
            f"--grpc_python_out={output}",
            f"--plugin=protoc-gen-mypy_grpc={installed_plugin('protoc-gen-mypy_grpc')}",
            f"--mypy_grpc_out=quiet,only_async:{output}",
            *services,
        ]
    )
    run_protoc(
        ["--include_imports", f"--descriptor_set_out={output / 'descriptors.binpb'}", *sources, *ENVOY_NEEDS],
    )


def write_image(target: Path) -> None:
    """Write the contracts with comments and positions, as `buf lint` and `buf breaking` read them."""
    run_protoc(["--include_imports", "--include_source_info", f"--descriptor_set_out={target}", *own_sources()])


def own_sources() -> list[str]:
    """List the contracts in a fixed order, relative to `protos/`."""
    return sorted(path.relative_to(PROTOS).as_posix() for path in PROTOS.rglob("*.proto"))


def run_protoc(arguments: list[str]) -> None:
    """Run the compiler of grpcio-tools with every import path it needs."""
    with tempfile.NamedTemporaryFile(suffix=".binpb") as dependencies:
        dependencies.write(validate_descriptors())
        dependencies.flush()
        command = [
            sys.executable,
            "-m",
            "grpc_tools.protoc",
            f"--proto_path={PROTOS}",
            f"--proto_path={GOOGLE_PROTOS}",
            f"--proto_path={files('grpc_tools') / '_proto'}",
            f"--descriptor_set_in={dependencies.name}",
            *arguments,
        ]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise GenerationError(result.stderr.strip() or f"protoc failed with exit code {result.returncode}")


def validate_descriptors() -> bytes:
    """Return validate.proto and its imports; protovalidate ships them as descriptors and not as a file."""
    descriptors = descriptor_pb2.FileDescriptorSet()
    for module in (descriptor_pb2, duration_pb2, field_mask_pb2, timestamp_pb2):
        module.DESCRIPTOR.CopyToProto(descriptors.file.add())
    descriptors.file.add().ParseFromString(validate_pb.desc().proto.to_binary())
    return serialize(descriptors)


def serialize(message: Message) -> bytes:
    """Serialize so that the same message gives the same bytes."""
    return message.SerializeToString(deterministic=True)


def installed_plugin(name: str) -> Path:
    """Find a protoc plugin of this interpreter's environment, whether or not it is activated."""
    return Path(sysconfig.get_path("scripts")) / name


def compare(fresh: Path, stored: Path) -> list[Path]:
    """List the files that are missing, different or without a source, relative to the folders."""
    wanted, present = files_below(fresh), files_below(stored)
    differing = {path for path in wanted & present if (fresh / path).read_bytes() != (stored / path).read_bytes()}
    return sorted((wanted ^ present) | differing)


def files_below(folder: Path) -> set[Path]:
    """List the files of a folder, leaving out what Python caches there."""
    paths = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(folder) for path in paths}


def apply(changes: list[Path], fresh: Path, stored: Path) -> None:
    """Bring the stored folder to the state of the fresh one."""
    for path in changes:
        source, target = fresh / path, stored / path
        if source.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes())
        else:
            target.unlink()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
