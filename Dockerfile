# PostgreSQL 15 with iasql, from Debian's packages alone.
#
#   docker build -t iasql . && docker run -e POSTGRES_PASSWORD=... -p 5432:5432 iasql
#
# The first start makes a cluster with the extension in its database postgres.
FROM debian:bookworm-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends gcc make xz-utils \
        postgresql-15 postgresql-server-dev-15 libcurl4-openssl-dev libssl-dev libexpat1-dev libjson-c-dev
COPY . /src
RUN make -C /src && make -C /src install DESTDIR=/out

FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends \
        postgresql-15 ca-certificates libcurl4 libssl3 libexpat1 libjson-c5 && \
    rm -rf /var/lib/apt/lists/* && \
    install -d -o postgres -g postgres -m 700 /var/lib/postgresql/data
COPY --from=build /out /
COPY tools/docker-entrypoint /usr/local/bin/docker-entrypoint
USER postgres
ENV PATH=/usr/lib/postgresql/15/bin:$PATH PGDATA=/var/lib/postgresql/data
VOLUME /var/lib/postgresql/data
EXPOSE 5432
ENTRYPOINT ["docker-entrypoint"]
