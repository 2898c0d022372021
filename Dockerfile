# syntax=docker/dockerfile:1
FROM python:3.13-slim-bookworm AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /build
COPY requirements.lock .
RUN python -m venv /opt/mydia \
 && /opt/mydia/bin/pip install --require-hashes -r requirements.lock \
 && /opt/mydia/bin/pip uninstall -y pip
COPY pyproject.toml README.md LICENSE ./
COPY mydia mydia
COPY migrations migrations
# Compile bytecode at build time: the root file system may be read-only at run time, and starting without bytecode takes twice as long.
RUN mkdir -p /opt/app && cp -r mydia migrations /opt/app/ \
 && python -m compileall -q -j 0 /opt/app /opt/mydia/lib

FROM python:3.13-slim-bookworm

ENV PATH=/opt/mydia/bin:$PATH \
    PYTHONPATH=/opt/app \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DATA_DIR=/config \
    HOST=0.0.0.0 \
    PORT=4000

RUN groupadd --gid 1000 mydia \
 && useradd --uid 1000 --gid 1000 --home-dir /config --no-create-home --shell /usr/sbin/nologin mydia \
 && mkdir /config \
 && chown mydia:mydia /config
COPY --from=build /opt/mydia /opt/mydia
COPY --from=build /opt/app /opt/app
COPY --chmod=755 deploy/container/start /usr/local/bin/mydia-start

VOLUME /config
EXPOSE 4000
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
  CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/health', timeout=4)"]
ENTRYPOINT ["mydia-start"]
CMD ["serve"]
