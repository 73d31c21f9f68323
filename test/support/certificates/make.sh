#!/usr/bin/env bash
# Makes the certificates of this folder anew: authorities, a server as Aeraki's, clients as Istio's. For tests alone. They are
# valid from 2020 to 2120, whatever day it is; the authorities' keys are not kept. Needs OpenSSL.
set -eu
out=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
begin=20200101000000Z

sign() { # NAME AUTHORITY END EXTENSIONS OPTIONS...
  local name=$1 authority=$2 end=$3 extensions=$4
  shift 4
  touch index
  printf '%b' "[ca]\ndefault_ca=own\n[own]\ndatabase=index\nnew_certs_dir=.\npolicy=any\nrand_serial=yes\nunique_subject=no\n" \
    "[any]\norganizationName=supplied\ncommonName=supplied\n[ext]\n$extensions\n" >ca.cnf
  openssl ca -batch -notext -config ca.cnf -md sha256 -in "$name.csr" -keyfile "$authority.key" -startdate $begin \
    -enddate "$end" -extensions ext -out "$name.pem" "$@"
}
authority() { # NAME
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/O=cluster.local/CN=$1" -keyout "$1.key" -out "$1.csr"
  sign "$1" "$1" 21200101000000Z 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign' -selfsign
}
leaf() { # NAME AUTHORITY END SUBJECT_ALT_NAMES KEY_OPTIONS...
  local name=$1 authority=$2 end=$3 names=$4
  shift 4
  openssl req -new -newkey "$@" -nodes -subj "/O=aeraki.net/CN=$name" -keyout "$name.key" -out "$name.csr"
  sign "$name" "$authority" "$end" "subjectAltName=$names" -cert "$authority.pem"
  cp "$name.pem" "$name.key" "$out"
}
authority root
authority other-root
cp root.pem other-root.pem "$out"
# The names of Aeraki's own certificate.
server=DNS:aeraki,DNS:aeraki.istio-system,DNS:aeraki.istio-system.svc
workload=URI:spiffe://cluster.local/ns/demo/sa/default
ec="ec -pkeyopt ec_paramgen_curve:P-256"
leaf server root 21200101000000Z $server $ec
leaf client root 21200101000000Z $workload $ec
leaf client-rsa root 21200101000000Z $workload rsa:2048
leaf client-of-other other-root 21200101000000Z $workload $ec
leaf client-expired root 20200102000000Z $workload $ec
