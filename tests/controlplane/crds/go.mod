module sonnerie.dev/tests/controlplane/crds

// Never tidied: no Go code imports these, their YAML is read from the module cache.

go 1.26.6

require (
	github.com/kedacore/keda/v2 v2.21.0
	sigs.k8s.io/external-dns v0.22.0
	sigs.k8s.io/gateway-api v1.6.3
)
