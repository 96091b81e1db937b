#!/usr/bin/env bash
# Stand-ins for mcr.microsoft.com/dotnet/{sdk,aspnet}:10.0 and python:3-slim, for machines that reach package registries but no image registry:
# Debian's base system by debootstrap and this machine's own .NET, loaded into the Engine of DOCKER_HOST. About a minute. Needs root.
# They are not the vendor's images (those stand on Ubuntu), but like those they hold a user `app` of uid 1654, listen on 8080 by default, and have no curl.
# usage: base-images.sh FOLDER     (the base system is kept there for the next time)
set -euo pipefail

folder=${1:?usage: base-images.sh FOLDER}
mkdir -p "$folder"
cd "$folder"
dotnet=$(dirname "$(readlink -f "$(command -v dotnet)")")
mirror=$(awk '/^URIs:/ { print $2; exit }' /etc/apt/sources.list.d/*.sources)

[ -e base.tar ] || {
  rm -rf base
  debootstrap --variant=minbase --include=ca-certificates,libicu72,libssl3,tzdata bookworm base "${mirror:-http://deb.debian.org/debian}" > debootstrap.log
  # The same package source as this machine's: the Dockerfile installs libsqlite3-0.
  rm -f base/etc/apt/sources.list
  cp /etc/apt/sources.list.d/*.sources base/etc/apt/sources.list.d/
  cp -a /etc/ssl/certs/. base/etc/ssl/certs/
  rm -rf base/var/cache/apt/archives/*.deb base/var/lib/apt/lists/*
  tar -C base -cf base.tar .
  rm -rf base
}

rm -rf runtime sdk
mkdir -p runtime/usr/share/dotnet runtime/usr/bin sdk/usr/share/dotnet sdk/root/.nuget sdk/usr/local/share sdk/etc/ssl
cp -a "$dotnet"/{dotnet,host,shared} runtime/usr/share/dotnet/
ln -s ../share/dotnet/dotnet runtime/usr/bin/dotnet
for part in sdk sdk-manifests packs templates library-packs; do
  [ ! -e "$dotnet/$part" ] || cp -a "$dotnet/$part" sdk/usr/share/dotnet/
done
# The stand-in SDK knows this machine's package source and certificates, so that `dotnet restore` works in it.
[ ! -d ~/.nuget/NuGet ] || cp -a ~/.nuget/NuGet sdk/root/.nuget/
cp -a /etc/ssl/certs sdk/etc/ssl/
[ ! -d /usr/local/share/ca-certificates ] || cp -a /usr/local/share/ca-certificates sdk/usr/local/share/

version=$(find "$dotnet/shared/Microsoft.NETCore.App" -mindepth 1 -maxdepth 1 -printf '%f\n' | sort -V | tail -n 1)
cat > Dockerfile.aspnet <<END
FROM scratch
ADD base.tar /
COPY runtime/ /
RUN groupadd -g 1654 app && useradd -m -u 1654 -g 1654 app
ENV APP_UID=1654 ASPNETCORE_HTTP_PORTS=8080 DOTNET_RUNNING_IN_CONTAINER=true DOTNET_VERSION=$version
END
cat > Dockerfile.sdk <<END
FROM mcr.microsoft.com/dotnet/aspnet:10.0
COPY sdk/ /
ENV NUGET_XMLDOC_MODE=skip DOTNET_NOLOGO=true NUGET_CERT_REVOCATION_MODE=offline
END
cat > Dockerfile.python <<END
FROM mcr.microsoft.com/dotnet/aspnet:10.0
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends python3 && rm -rf /var/lib/apt/lists/* /var/cache/apt/*
END
build() { DOCKER_BUILDKIT=0 docker build --network host -q -f "$1" -t "$2" . >> build.log 2>&1 || { tail -n 5 build.log >&2; exit 1; }; }
build Dockerfile.aspnet mcr.microsoft.com/dotnet/aspnet:10.0
build Dockerfile.sdk mcr.microsoft.com/dotnet/sdk:10.0
build Dockerfile.python python:3-slim
rm -rf runtime sdk
