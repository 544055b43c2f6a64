# The server as an image of one program, and of git, which it runs for sources
# of kind git and for wikis: no shell, no package manager, a user that owns
# nothing but its data. SSH is spoken by the server itself. The database is a
# server of its own: see docker-compose.yml. Where base images cannot be
# pulled, scripts/image makes the same image from bin/cairn.

FROM node:22-trixie-slim AS web
WORKDIR /src/web
COPY web/package.json web/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY web ./
RUN npm run --silent build

FROM golang:1.26-trixie AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
COPY --from=web /src/web/dist web/dist
RUN CGO_ENABLED=0 GOAMD64=v2 go build -trimpath -buildvcs=false -ldflags='-s -w' -o bin/cairn ./cmd/cairn \
 && scripts/image root bin/cairn /image

FROM scratch
COPY --from=build /image/system/ /
COPY --from=build --chown=10001:10001 /image/own/ /
ENV PATH=/usr/local/bin:/usr/bin HOME=/data \
    ZONEINFO=/usr/share/zoneinfo.zip \
    CAIRN_ADDR=0.0.0.0:8080 \
    CAIRN_DATA_DIR=/data
USER 10001:10001
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s CMD ["/usr/local/bin/cairn", "doctor", "--quiet"]
ENTRYPOINT ["/usr/local/bin/cairn"]
CMD ["serve"]
