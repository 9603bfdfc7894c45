#include "table/spec_update.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/error.h"

namespace millrace::table {
namespace {

const PartitionField* FindSame(const TableMetadata& base, const PartitionField& wanted) {
  for (const PartitionSpec& spec : base.partition_specs) {
    for (const PartitionField& field : spec.fields) {
      if (field.source_id == wanted.source_id && field.transform == wanted.transform && field.name == wanted.name) {
        return &field;
      }
    }
  }
  return nullptr;
}

bool SameFields(const SortOrder& left, const SortOrder& right) {
  return std::equal(left.fields.begin(), left.fields.end(), right.fields.begin(), right.fields.end(),
                    [](const SortField& a, const SortField& b) {
                      return a.source_id == b.source_id && a.transform == b.transform && a.ascending == b.ascending &&
                             a.nulls_first == b.nulls_first;
                    });
}

void CheckNames(const PartitionSpec& spec) {
  std::set<std::string> names;
  for (const PartitionField& field : spec.fields) {
    if (!names.insert(field.name).second) {
      throw Error(ErrorCode::kUsage,
                  fmt::format("two partition fields are called {}: give one another name", field.name));
    }
  }
}

}  // namespace

TableChange ChangePartitionSpec(const TableMetadata& base, PartitionSpec wanted) {
  CheckNames(wanted);
  int32_t last_id = base.last_partition_id;
  for (PartitionField& field : wanted.fields) {
    const PartitionField* same = FindSame(base, field);
    field.field_id = same != nullptr ? same->field_id : ++last_id;
  }
  TableChange change;
  if (wanted.fields == base.spec().fields) return change;
  change.requirements = {AssertTableUuid{base.table_uuid}, AssertDefaultSpecId{base.default_spec_id},
                         AssertLastAssignedPartitionId{base.last_partition_id}};
  int32_t highest = -1;
  for (const PartitionSpec& spec : base.partition_specs) {
    if (spec.fields == wanted.fields) {
      change.updates.push_back(SetDefaultSpec{spec.spec_id});
      return change;
    }
    highest = std::max(highest, spec.spec_id);
  }
  wanted.spec_id = highest + 1;
  change.updates.push_back(AddPartitionSpec{std::move(wanted)});
  change.updates.push_back(SetDefaultSpec{-1});
  return change;
}

const PartitionSpec* UnpartitionedSpec(const TableMetadata& metadata) {
  const auto found =
      std::ranges::find_if(metadata.partition_specs, [](const PartitionSpec& spec) { return spec.fields.empty(); });
  return found == metadata.partition_specs.end() ? nullptr : &*found;
}

TableChange AddUnpartitionedSpec(const TableMetadata& base) {
  TableChange change;
  if (UnpartitionedSpec(base) != nullptr) return change;
  PartitionSpec everywhere;
  for (const PartitionSpec& spec : base.partition_specs) {
    everywhere.spec_id = std::max(everywhere.spec_id, spec.spec_id + 1);
  }
  change.requirements = {AssertTableUuid{base.table_uuid}, AssertLastAssignedPartitionId{base.last_partition_id}};
  change.updates.push_back(AddPartitionSpec{std::move(everywhere)});
  return change;
}

TableChange ChangeSortOrder(const TableMetadata& base, SortOrder wanted) {
  TableChange change;
  int32_t highest = 0;
  const SortOrder* known = nullptr;
  for (const SortOrder& order : base.sort_orders) {
    if (SameFields(order, wanted)) known = &order;
    highest = std::max(highest, order.order_id);
  }
  if (known != nullptr && known->order_id == base.default_sort_order_id) return change;
  change.requirements = {AssertTableUuid{base.table_uuid}, AssertDefaultSortOrderId{base.default_sort_order_id}};
  if (known != nullptr) {
    change.updates.push_back(SetDefaultSortOrder{known->order_id});
    return change;
  }
  wanted.order_id = wanted.fields.empty() ? 0 : highest + 1;
  change.updates.push_back(AddSortOrder{std::move(wanted)});
  change.updates.push_back(SetDefaultSortOrder{-1});
  return change;
}

}  // namespace millrace::table
