# SPDX-License-Identifier: MIT
# The first stage builds and tests, and lists the libraries that the programs
# need. The second stage holds the programs and those libraries.
FROM debian:bookworm-slim AS build
COPY scripts/setup /src/scripts/
RUN /src/scripts/setup build image
COPY . /src
WORKDIR /src
RUN cmake -B build -DSLUICE_TESTS=ON -DSLUICE_WERROR=ON && cmake --build build -j "$(nproc)" \
    && ctest --test-dir build -L 'unit|client|commands|config' \
        --output-on-failure -j 2
RUN cmake --install build --component programs --prefix /image \
    && for library in $(ldd /image/bin/* /image/sbin/* \
            | sed -n 's/^\t\([^ ]*\) => .*/\1/p' | sort -u); \
        do dpkg-query -S "*/$library"; done \
        | cut -d: -f1 | sort -u >/image/libraries

FROM debian:bookworm-slim
COPY --from=build /image/libraries /usr/local/share/sluice/
RUN apt-get update \
    && xargs apt-get install -y --no-install-recommends \
        </usr/local/share/sluice/libraries \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 999 --no-create-home \
        --shell /usr/sbin/nologin sluice \
    && install -d -o sluice -g sluice -m 0750 /run/sluice \
    && install -d -o sluice -g sluice -m 0700 /var/lib/sluice
COPY --from=build /image/sbin/sluiced /image/bin/sluice /usr/local/bin/
USER 999
# Used only if SLUICE_JOURNAL or --journal names it.
VOLUME /var/lib/sluice
# In the environment, so that --listen replaces it. Who publishes the port
# decides who can connect.
ENV SLUICE_LISTEN="0.0.0.0:25000 auth=none tls=none"
EXPOSE 25000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=5s \
    CMD ["sluice", "ping", "--count", "1", "--timeout", "3s", "--quiet"]
ENTRYPOINT ["sluiced"]
