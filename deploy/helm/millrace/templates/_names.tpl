{{- define "millrace.name" -}}
{{- if contains "millrace" .Release.Name }}{{ .Release.Name | trunc 52 | trimSuffix "-" }}{{ else }}{{ printf "%s-millrace" .Release.Name | trunc 52 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "millrace.selector" -}}
app.kubernetes.io/name: millrace
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "millrace.labels" -}}
{{ include "millrace.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "millrace.account" -}}
{{- .Values.serviceAccount.name | default (ternary (include "millrace.name" .) "default" .Values.serviceAccount.create) }}
{{- end }}

{{- define "millrace.image" -}}
{{- with .Values.image }}{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}{{ end }}
{{- end }}

{{/* What would start and then lose or double nothing, but never work. */}}
{{- define "millrace.check" -}}
{{- $many := or .Values.autoscaling.enabled (gt (int .Values.replicas) 1) }}
{{- $stream := .Values.config.stream | default dict }}
{{- $lake := .Values.config.lake | default dict }}
{{- if and $many (not (hasKey $stream "kafka")) }}{{ fail "several workers share a stream only through Kafka: set config.stream.kafka, or replicas: 1" }}{{ end }}
{{- if and $many (not (hasKey ($lake.catalog | default dict) "rest")) }}{{ fail "several workers share tables only through a REST catalogue: set config.lake.catalog.rest, or replicas: 1" }}{{ end }}
{{- if not .Values.server.tlsSecret }}{{ fail "the server listens on the pod's address, which needs TLS: set server.tlsSecret to a Secret of type kubernetes.io/tls" }}{{ end }}
{{- if not .Values.server.tokenSecret }}{{ fail "the server listens on the pod's address, which needs tokens: set server.tokenSecret to a Secret with the keys that server.tokens names" }}{{ end }}
{{- end }}
