# SPDX-License-Identifier: MIT
FROM debian:bookworm-slim AS build
COPY scripts/setup /src/scripts/
RUN /src/scripts/setup build
COPY . /src
RUN /src/scripts/build --programs

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends libevent-core-2.1-7 libinih1 \
        libedit2 libjansson4 libncursesw6 libzmq5 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --no-create-home --shell /usr/sbin/nologin sluice
COPY --from=build /src/build/bin/sluiced /src/build/bin/sluice /usr/local/bin/
USER sluice
EXPOSE 25000
STOPSIGNAL SIGTERM
ENTRYPOINT ["sluiced", "--listen", "0.0.0.0:25000"]
