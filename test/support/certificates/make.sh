#!/bin/sh
# Makes the certificates of this folder anew: authorities, a server as Aeraki's, clients as Istio's. For tests alone; valid for 100 years.
set -eu
cd "$(dirname "$0")"
days=36500
key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1.key" 2>/dev/null; }
authority() {
  key "$1"
  openssl req -x509 -new -key "$1.key" -subj "/O=cluster.local/CN=$1" -days $days -out "$1.pem"
}
# name, authority, SAN, how long
signed() {
  openssl req -new -key "$1.key" -subj "/O=aeraki.net/CN=$1" -out "$1.csr"
  printf 'subjectAltName=%s\n' "$3" > "$1.ext"
  openssl x509 -req -in "$1.csr" -CA "$2.pem" -CAkey "$2.key" -CAcreateserial -extfile "$1.ext" $4 -out "$1.pem" 2>/dev/null
  rm "$1.csr" "$1.ext"
}
authority root
authority other-root
key server
signed server root 'DNS:aeraki,DNS:aeraki.istio-system,DNS:aeraki.istio-system.svc' "-days $days"
key client
signed client root 'URI:spiffe://cluster.local/ns/demo/sa/default' "-days $days"
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out client-rsa.key 2>/dev/null
signed client-rsa root 'URI:spiffe://cluster.local/ns/demo/sa/default' "-days $days"
key client-of-other
signed client-of-other other-root 'URI:spiffe://cluster.local/ns/demo/sa/default' "-days $days"
key client-expired
signed client-expired root 'URI:spiffe://cluster.local/ns/demo/sa/default' '-days -1'
rm -f ./*.srl root.key other-root.key
