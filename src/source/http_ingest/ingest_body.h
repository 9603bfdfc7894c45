#pragma once

#include <memory>
#include <string_view>

#include "base/bytes.h"
#include "event/event_batch.h"
#include "io/http_call.h"
#include "source/json_path.h"

namespace millrace::source {

/// How a body holds events.
enum class BodyForm {
  kJson,   // one document: an array is one event an element, anything else is one event
  kLines,  // one document a line
  kForm,   // the fields of a web form are one event
};

/// Each takes many times its bytes while the event is made.
constexpr size_t kFormFieldsMax = 1000;

/// By the Content-Type; JSON without one. Throws io::HttpRefusal 415 for others.
BodyForm FormOf(const io::HttpCall& call);

/// The events of a body: a batch without a position. Each was looked at to its last byte; bytes stay as they came but
/// for white space between values where an event spans lines. Throws io::HttpRefusal: 400 naming line and byte of what
/// is no JSON, 413 beyond `records_max` events or kFormFieldsMax fields.
std::shared_ptr<event::EventBatch> EventsOf(std::shared_ptr<PaddedBuffer> body, BodyForm form, int64_t records_max);

/// Gives each event of the batch the key that stands at a JSON path in it: text as it is, anything else as JSON; none
/// where there is nothing or null.
void SetKeys(const JsonPath& path, event::EventBatch& batch);

/// The event of a GET: parameters of path and query as text; a name that comes again makes a list. So do the fields of
/// a form.
std::shared_ptr<event::EventBatch> EventOfTarget(const io::HttpCall& call);

}  // namespace millrace::source
