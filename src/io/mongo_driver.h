#pragma once

#include <mongoc/mongoc.h>

namespace millrace::io {

/// The functions of libmongoc that are called here, under their names without `mongoc_`.
#define MILLRACE_MONGO_FUNCTIONS(each)                                                                                 \
  each(bulk_operation_destroy) each(bulk_operation_execute) each(bulk_operation_insert_with_opts)                      \
      each(bulk_operation_replace_one_with_opts) each(change_stream_destroy) each(change_stream_error_document)        \
          each(change_stream_get_resume_token) each(change_stream_next) each(client_command_simple)                    \
              each(client_get_collection) each(client_pool_destroy) each(client_pool_new) each(client_pool_pop)        \
                  each(client_pool_push) each(client_pool_set_error_api) each(collection_aggregate)                    \
                      each(collection_create_bulk_operation_with_opts) each(collection_delete_many)                    \
                          each(collection_destroy) each(collection_drop) each(collection_find_with_opts)               \
                              each(collection_insert_one) each(collection_update_one) each(collection_watch)           \
                                  each(cursor_destroy) each(cursor_error) each(cursor_next) each(error_has_label)      \
                                      each(init) each(log_set_handler) each(uri_destroy) each(uri_has_option)          \
                                          each(uri_new_with_error) each(uri_set_appname) each(uri_set_option_as_int32) \
                                              each(uri_set_write_concern) each(write_concern_destroy)                  \
                                                  each(write_concern_new) each(write_concern_set_journal)              \
                                                      each(write_concern_set_wmajority)

struct MongoDriver {
// NOLINTNEXTLINE(bugprone-macro-parentheses): it is a declarator
#define MILLRACE_MEMBER(name) decltype(&::mongoc_##name) name = nullptr;
  MILLRACE_MONGO_FUNCTIONS(MILLRACE_MEMBER)
#undef MILLRACE_MEMBER
};

/// libmongoc, loaded at the first call: it sets itself up when it is loaded, a third of a start, which those without
/// MongoDB need not wait for. Error kUnavailable when it is not there.
const MongoDriver& Mongo();

/// Call first, from the only thread. The driver then keeps its counters to itself: in shared memory, where it has them
/// otherwise, they stay behind when the process is killed.
void KeepMongoCountersPrivate();

}  // namespace millrace::io
