#include "telemetry/otlp.h"

#include <algorithm>

#include "telemetry/otlp.pb.h"

namespace millrace::telemetry {
namespace {

uint64_t Nanos(Timestamp time) {
  return static_cast<uint64_t>(std::chrono::nanoseconds(time.time_since_epoch()).count());
}

template <size_t kSize>
std::string Bytes(const std::array<uint8_t, kSize>& bytes) {
  return {bytes.begin(), bytes.end()};
}

/// protobuf refuses strings that are none; what a peer said may be anything.
std::string Text(const std::string& text) {
  std::string mended;
  for (size_t at = 0; at < text.size();) {
    const auto lead = static_cast<unsigned char>(text[at]);
    const size_t size = lead < 0x80 ? 1 : lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    const auto rest = text.substr(at + 1, size - 1);
    const bool whole = (lead < 0x80 || (lead >= 0xC2 && lead < 0xF5)) && rest.size() == size - 1 &&
                       std::ranges::all_of(rest, [](char c) { return (c & 0xC0) == 0x80; });
    // Surrogates, and what a shorter sequence would say.
    const auto second = rest.empty() ? 0 : static_cast<unsigned char>(rest[0]);
    const bool odd = (lead == 0xE0 && second < 0xA0) || (lead == 0xED && second >= 0xA0) ||
                     (lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second >= 0x90);
    mended += whole && !odd ? text.substr(at, size) : "?";
    at += whole && !odd ? size : 1;
  }
  return mended;
}

struct SetValue {
  otlp::AnyValue& to;
  void operator()(const std::string& value) const { to.set_string_value(Text(value)); }
  void operator()(int64_t value) const { to.set_int_value(value); }
  void operator()(double value) const { to.set_double_value(value); }
  void operator()(bool value) const { to.set_bool_value(value); }
};

otlp::Span::SpanKind KindOf(SpanKind kind) {
  switch (kind) {
    case SpanKind::kInternal:
      return otlp::Span::SPAN_KIND_INTERNAL;
    case SpanKind::kServer:
      return otlp::Span::SPAN_KIND_SERVER;
  }
  return otlp::Span::SPAN_KIND_INTERNAL;
}

void SetSpan(const Span& span, otlp::Span& to) {
  constexpr std::array<uint8_t, 8> kNone{};
  to.set_trace_id(Bytes(span.context.trace_id));
  to.set_span_id(Bytes(span.context.span_id));
  if (span.parent_id != kNone) to.set_parent_span_id(Bytes(span.parent_id));
  to.set_name(Text(span.name));
  to.set_kind(KindOf(span.kind));
  to.set_start_time_unix_nano(Nanos(span.begin));
  to.set_end_time_unix_nano(Nanos(std::max(span.begin, span.end)));
  for (const auto& [key, value] : span.attributes) {
    auto& attribute = *to.add_attributes();
    attribute.set_key(key);
    std::visit(SetValue{*attribute.mutable_value()}, value);
  }
  for (const auto& [name, time] : span.events) {
    auto& event = *to.add_events();
    event.set_name(name);
    event.set_time_unix_nano(Nanos(time));
  }
  if (!span.error.empty()) {
    to.mutable_status()->set_code(otlp::Status::STATUS_CODE_ERROR);
    to.mutable_status()->set_message(Text(span.error));
  }
}

}  // namespace

std::string EncodeTraces(std::span<const Span> spans, const Resource& resource, std::string_view version) {
  otlp::ExportTraceServiceRequest request;
  auto& of_resource = *request.add_resource_spans();
  for (const auto& [key, value] : resource) {
    auto& attribute = *of_resource.mutable_resource()->add_attributes();
    attribute.set_key(Text(key));
    attribute.mutable_value()->set_string_value(Text(value));
  }
  auto& of_scope = *of_resource.add_scope_spans();
  of_scope.mutable_scope()->set_name("millrace");
  of_scope.mutable_scope()->set_version(std::string(version));
  for (const auto& span : spans) SetSpan(span, *of_scope.add_spans());
  return request.SerializeAsString();
}

int64_t RejectedSpans(std::string_view response) {
  otlp::ExportTraceServiceResponse read;
  if (!read.ParseFromArray(response.data(), static_cast<int>(response.size()))) return 0;
  return read.partial_success().rejected_spans();
}

}  // namespace millrace::telemetry
