# The service, in the smallest image of the platform that holds a shell for the person who has to look inside.
#   docker build -t backupapi .
#   docker run --rm backupapi --version
#   docker run --rm -v "$PWD/backups:/backups:ro" backupapi verify /backups/backup_2026-11-20_120000.tar.gz

FROM mcr.microsoft.com/dotnet/sdk:10.0 AS build
WORKDIR /source

# Packages first: this layer is built again only when a version changes.
COPY global.json Directory.Build.props Directory.Packages.props ./
COPY src/BackupApi/BackupApi.csproj src/BackupApi/packages.lock.json src/BackupApi/
RUN dotnet restore src/BackupApi --locked-mode

COPY BannedSymbols.txt ./
COPY src/ src/
# Style and analyzers are check.sh's matter. Native libraries for other systems are left out: this image runs on Linux with glibc only.
RUN dotnet publish src/BackupApi --no-restore --configuration Release --output /app -p:RunAnalyzers=false -p:GenerateDocumentationFile=false \
 && find /app/runtimes -mindepth 1 -maxdepth 1 ! -name linux-x64 ! -name linux-arm64 -exec rm -r {} +

FROM mcr.microsoft.com/dotnet/aspnet:10.0
LABEL org.opencontainers.image.title="BackupApi" \
      org.opencontainers.image.description="Hot, consistent, proven tar.gz backups of a storage folder with embedded databases" \
      org.opencontainers.image.documentation="docs/OPERATING.md"

# The distribution's SQLite receives its security fixes; the one bundled with the packages is the fallback.
RUN apt-get update \
 && apt-get install -y --no-install-recommends libsqlite3-0 \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/*

# A named volume takes over the owner of the folder it is mounted on when it is first used.
RUN mkdir /storage /backups /restore \
 && chown "$APP_UID:$APP_UID" /storage /backups /restore \
 && ln -s /app/BackupApi /usr/local/bin/backupapi

COPY --from=build /app /app

# Inside the container every address is right; what the world sees is decided by the published port.
# The workstation garbage collector keeps the footprint small. The diagnostics socket would need a writable /tmp.
ENV STORAGE_PATH=/storage \
    BACKUPS_PATH=/backups \
    RESTORE_PATH=/restore \
    ASPNETCORE_HTTP_PORTS=8080 \
    DOTNET_gcServer=0 \
    DOTNET_EnableDiagnostics=0

EXPOSE 8080
USER $APP_UID
STOPSIGNAL SIGTERM

# Healthy means: the application may open its storage. Only a start-up restore delays that, however long it takes,
# so the start period is long; the first good answer ends it.
HEALTHCHECK --interval=10s --timeout=5s --start-period=24h --retries=3 CMD ["/app/BackupApi", "--healthcheck"]

ENTRYPOINT ["/app/BackupApi"]
