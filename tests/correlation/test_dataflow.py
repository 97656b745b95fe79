import pytest

from openstack_rca.correlation.dataflow import makers
from openstack_rca.correlation.fault_location import fault_locations
from openstack_rca.correlation.sourcecode import SourceCode
from openstack_rca.correlation.tracebacks import Frame, Traceback, load_blame

NO_ATTRIBUTE = "'NoneType' object has no attribute '{}'"


def made_by(exception: str, message: str, *frames: tuple[str, str, str]) -> tuple[str, str | None, str | None] | None:
    """Return file, class and function that are said to have made the value; frames are file, function and source line."""
    traceback = Traceback(exception, message, tuple(Frame(file, 1, name, source) for file, name, source in frames))
    places = makers(traceback, load_blame(), SourceCode(f.file for f in traceback.frames))
    return (places[0].file, places[0].class_name, places[0].function) if places else None


def test_a_local_variable_came_from_the_call_that_set_it() -> None:
    found = made_by(
        "TypeError", "'NoneType' object is not subscriptable",
        ("nova/objects/build_request.py", "get_by_instance_uuid", "return cls._from_db_object(context, cls(), db_req)"),
        ("nova/objects/build_request.py", "_from_db_object", "req.instance_uuid = db_req['instance_uuid']"),
    )  # fmt: skip
    assert found == ("nova/objects/build_request.py", "BuildRequest", "_get_by_instance_uuid_from_db")


def test_a_parameter_that_only_a_library_could_have_made_was_given() -> None:
    found = made_by(
        "TypeError", "'NoneType' object is not iterable",
        ("nova/network/neutron.py", "_get_instance_nw_info", "return network_model.NetworkInfo.hydrate(nw_info)"),
        ("nova/network/model.py", "hydrate", "return cls([VIF.hydrate(vif) for vif in network_info])"),
    )  # fmt: skip
    assert found == ("nova/network/neutron.py", "API", "_build_network_info_model")


def test_a_value_is_followed_into_the_private_half_of_a_method() -> None:
    found = made_by(
        "TypeError", "'NoneType' object is not iterable",
        ("neutron/db/ipam_pluggable_backend.py", "allocate_ips_for_port_and_store",
         "self.store_ip_allocation_for_port(context, ips, network_id, port_copy)"),
        ("neutron/db/ipam_pluggable_backend.py", "store_ip_allocation_for_port", "for ip in ips:"),
    )  # fmt: skip
    assert found == ("neutron/db/ipam_pluggable_backend.py", "IpamPluggableBackend", "_allocate_ips_for_port")


@pytest.mark.parametrize("message", ["cannot unpack non-iterable NoneType object", "'NoneType' object is not iterable"])
def test_what_is_unpacked_came_from_the_call_though_the_line_does_not_hold_it_whole(message: str) -> None:
    found = made_by(
        "TypeError", message,
        ("neutron/agent/linux/interface.py", "plug_new", "root_veth, ns_veth = ip.add_veth(tap_name, device_name,"),
    )  # fmt: skip
    assert found == ("neutron/agent/linux/ip_lib.py", "IPWrapper", "add_veth")


@pytest.mark.parametrize(
    ("message", "source"),
    [
        (
            "int() argument must be a string, a bytes-like object or a real number, not 'NoneType'",
            "size_int = int(size)",
        ),
        ("object of type 'NoneType' has no len()", "if len(size) > 3:"),
        ("'<' not supported between instances of 'int' and 'NoneType'", "if free < size:"),
        ("'>=' not supported between instances of 'NoneType' and 'int'", "ok = size >= free"),
        ("unsupported operand type(s) for *: 'NoneType' and 'int'", "needed = size * units.Gi"),
        ("unsupported operand type(s) for +=: 'int' and 'NoneType'", "total += size"),
    ],
)
def test_what_cannot_be_converted_counted_or_compared_was_given(message: str, source: str) -> None:
    found = made_by(
        "TypeError", message,
        ("cinder/api/v3/volumes.py", "create", "new_volume = self.volume_api.create("),
        ("cinder/volume/api.py", "create", "volume_types.provision_filter_on_size(context, volume_type, size)"),
        ("cinder/volume/volume_types.py", "provision_filter_on_size", source),
    )  # fmt: skip
    assert found is not None
    assert found[0] == "cinder/api/v3/volumes.py"


def test_the_right_side_of_an_assignment_was_read() -> None:
    found = made_by(
        "TypeError", "'NoneType' object is not subscriptable",
        ("cinder/api/contrib/volume_mig_status_attribute.py", "_add_volume_mig_status_attribute",
         "resp_volume[key] = db_volume['migration_status']"),
    )  # fmt: skip
    assert found == ("cinder/api/openstack/wsgi.py", "Request", "get_db_volume")


def test_a_dictionary_without_a_key_came_from_who_built_it() -> None:
    found = made_by(
        "KeyError", "'n_agents'",
        ("neutron/scheduler/base_scheduler.py", "schedule", "plugin, context, resource)"),
        ("neutron/scheduler/dhcp_agent_scheduler.py", "filter_agents", "if agents_dict['n_agents'] <= 0:"),
    )  # fmt: skip
    assert found == ("neutron/scheduler/dhcp_agent_scheduler.py", "DhcpFilter", "_get_network_hostable_dhcp_agents")


def test_what_a_library_stumbles_over_came_from_the_call_inside_the_call() -> None:
    found = made_by(
        "TypeError", "expected str, bytes or os.PathLike object, not NoneType",
        ("nova/virt/libvirt/driver.py", "_create_image", "fileutils.ensure_tree(libvirt_utils.get_instance_path(instance))"),
        ("oslo_utils/fileutils.py", "ensure_tree", "os.makedirs(path, mode)"),
        ("/usr/lib64/python3.9/os.py", "makedirs", "head, tail = path.split(name)"),
    )  # fmt: skip
    assert found == ("nova/virt/libvirt/utils.py", None, "get_instance_path")


def test_a_parameter_is_followed_to_the_property_that_was_given() -> None:
    found = made_by(
        "AttributeError", NO_ATTRIBUTE.format("properties"),
        ("nova/virt/libvirt/driver.py", "default_device_names_for_instance", "instance.image_meta)"),
        ("nova/virt/libvirt/blockinfo.py", "default_device_names",
         "get_disk_info(virt_type, instance, image_meta, block_device_info)"),
        ("nova/virt/libvirt/blockinfo.py", "get_disk_info", 'image_meta, "disk")'),
        ("nova/virt/libvirt/blockinfo.py", "get_disk_bus_for_device_type",
         "disk_bus = osinfo.HardwareProperties(image_meta).disk_model"),
        ("nova/virt/osinfo.py", "__init__", "self.img_props = image_meta.properties"),
    )  # fmt: skip
    assert found == ("nova/objects/instance.py", "Instance", "image_meta")


def test_a_request_context_is_followed_through_decorators_to_who_replaced_it() -> None:
    found = made_by(
        "AttributeError", NO_ATTRIBUTE.format("project_id"),
        ("cinder/api/contrib/volume_actions.py", "_reserve", "self.volume_api.reserve_volume(limited(context), volume)"),
        ("cinder/volume/api.py", "wrapped", "check_policy(context, func.__name__, target_obj)"),
        ("cinder/volume/api.py", "check_policy", "'project_id': context.project_id,"),
    )  # fmt: skip
    assert found == ("cinder/api/contrib/volume_actions.py", None, "_reserve")


def test_an_element_of_a_parameter_came_from_who_made_the_list_behind_an_attribute_of_that_name() -> None:
    found = made_by(
        "AttributeError", NO_ATTRIBUTE.format("uuid"),
        ("nova/api/openstack/compute/servers.py", "create", "req.cache_db_instances(instances)"),
        ("nova/api/openstack/wsgi.py", "cache_db_instances", "self.cache_db_items('instances', instances, 'uuid')"),
        ("nova/api/openstack/wsgi.py", "cache_db_items", "db_items[item_get(item, item_key)] = item"),
        ("nova/api/openstack/wsgi.py", "item_get", "return getattr(item, item_key)"),
    )  # fmt: skip
    assert found == ("nova/compute/api.py", "API", "create")


def test_a_list_that_is_too_short_came_over_rpc_from_the_manager_that_answered() -> None:
    found = made_by(
        "IndexError", "list index out of range",
        ("nova/conductor/manager.py", "schedule_and_build_instances", "host = host_list[0]"),
    )  # fmt: skip
    assert found == ("nova/scheduler/manager.py", "SchedulerManager", "select_destinations")


def test_what_a_manager_was_called_with_over_rpc_came_from_who_called_it() -> None:
    found = made_by(
        "TypeError", "'NoneType' object is not iterable",
        ("nova/compute/manager.py", "_build_resources", "self._default_block_device_names(instance, image_meta,"),
        ("nova/compute/manager.py", "_default_block_device_names",
         "root_bdm = block_device.get_root_bdm(block_devices)"),
        ("nova/block_device.py", "get_root_bdm", "return next(bdm for bdm in bdms if bdm.get('boot_index', -1) == 0)"),
    )  # fmt: skip
    assert found == ("nova/conductor/manager.py", "ComputeTaskManager", "_create_block_device_mapping")


def test_a_field_of_a_versioned_object_was_filled_by_its_class() -> None:
    found = made_by(
        "AttributeError", NO_ATTRIBUTE.format("uuid"),
        ("nova/api/openstack/compute/server_external_events.py", "create",
         "instances = self._get_instances_all_cells(context, instance_uuids,"),
        ("nova/api/openstack/compute/server_external_events.py", "_get_instances_all_cells",
         "if im.cell_mapping.uuid not in cells:"),
    )  # fmt: skip
    assert found == ("nova/objects/instance_mapping.py", "InstanceMapping", "_from_db_object")


def test_what_is_looked_up_in_a_dictionary_came_from_who_made_the_dictionary() -> None:
    found = made_by(
        "TypeError", "'NoneType' object is not iterable",
        ("neutron/plugins/ml2/plugin.py", "delete_port", "super(Ml2Plugin, self).delete_port(context, id, port=port)"),
        ("neutron/db/ipam_pluggable_backend.py", "delete_port",
         "self._ipam_deallocate_ips(context, ipam_driver, port, port['fixed_ips'])"),
        ("neutron/db/ipam_pluggable_backend.py", "_ipam_deallocate_ips", "for ip in ips:"),
    )  # fmt: skip
    assert found == ("neutron/db/db_base_plugin_common.py", "DbBasePluginCommon", "_make_port_dict")


def test_an_empty_sequence_was_given_to_the_library_and_all_who_handed_it_on_are_named() -> None:
    frames = (
        Frame("nova/scheduler/manager.py", 1, "_get_sorted_hosts", "chosen_host = random.choice(weighed_subset)"),
        Frame("random.py", 1, "choice", "raise IndexError('Cannot choose from an empty sequence')"),
    )
    traceback = Traceback("IndexError", "Cannot choose from an empty sequence", frames)
    places = makers(traceback, load_blame(), SourceCode(f.file for f in frames))
    assert [p.function for p in places] == ["get_weighed_objects", "get_weighed_hosts"]


def test_further_places_are_those_that_the_value_may_have_come_from() -> None:
    frames = (
        Frame("nova/api/openstack/compute/servers.py", 1, "create", "req.cache_db_instances(instances)"),
        Frame("nova/api/openstack/wsgi.py", 1, "cache_db_instances", "for item in instances: item.uuid"),
    )
    places = fault_locations(Traceback("AttributeError", NO_ATTRIBUTE.format("uuid"), frames), load_blame())
    assert [p.function for p in places[:3]] == ["create", "_create_instance", "get_new_instance"]


@pytest.mark.parametrize(
    ("exception", "message", "source"),
    [
        ("TypeError", "attach() takes exactly 3 arguments (2 given)", "self.attach(volume)"),
        ("AttributeError", NO_ATTRIBUTE.format("uuid"), "instance.uuid"),
        ("ValueError", "bad", "raise ValueError('bad')"),
    ],
)
def test_other_exceptions_and_lost_traces_name_nobody(exception: str, message: str, source: str) -> None:
    assert made_by(exception, message, ("nova/unheard_of.py", "go", source)) is None


@pytest.mark.parametrize("source", ["f(" * 400, "-" * 100_000 + "f(x)", r"f('\d', x)", "\0f(x)", "f(x" + "," * 10**6])
def test_source_lines_that_are_no_python_do_no_harm(source: str) -> None:
    frames = (
        ("nova/unheard_of.py", "outer", source),
        ("nova/unheard_of.py", "f", "x.uuid"),
    )
    found = made_by("AttributeError", NO_ATTRIBUTE.format("uuid"), *frames)
    assert found in (None, ("nova/unheard_of.py", None, "outer"))


def test_the_release_is_the_one_that_has_the_files_of_the_traceback() -> None:
    old, new = SourceCode(["nova/db/sqlalchemy/api.py"]), SourceCode(["nova/db/main/api.py"])
    assert old.function("nova/db/sqlalchemy/api.py", "instance_get_by_uuid")
    assert new.function("nova/db/main/api.py", "instance_get_by_uuid")
    assert new.function("nova/db/sqlalchemy/api.py", "instance_get_by_uuid") is None
    assert SourceCode(["unknown/a.py"]).project("unknown/a.py") is None


def test_places_carry_the_class_of_the_function() -> None:
    frames = (Frame("nova/compute/manager.py", 1, "_instance_update", "db.instance_update(context)"),)
    (place,) = fault_locations(Traceback("TypeError", "missing 1 required positional argument", frames), load_blame())
    assert place.class_name == "ComputeManager"


def test_a_failed_callback_names_its_function() -> None:
    message = 'Callback neutron.plugins.ml2.plugin.Ml2Plugin._port_deleted-8048 failed with "missing 1 argument"'
    frames = (Frame("neutron/db/db_base_plugin_v2.py", 1, "delete_port", "registry.publish()"),)
    first = fault_locations(Traceback("CallbackFailure", message, frames), load_blame())[0]
    assert (first.file, first.class_name, first.function) == (
        "neutron/plugins/ml2/plugin.py",
        "Ml2Plugin",
        "_port_deleted",
    )


def test_a_field_that_may_not_be_none_got_its_value_from_the_variable_of_its_name() -> None:
    found = made_by(
        "ValueError", "Field `block_device_mappings' cannot be None",
        ("nova/compute/api.py", "_provision_instances", "build_request = objects.BuildRequest(context,"),
        ("oslo_versionedobjects/fields.py", "_null", 'raise ValueError(_("Field `%s\' cannot be None") % attr)'),
    )  # fmt: skip
    assert found == ("nova/compute/api.py", "API", "_bdm_validate_set_size_and_instance")


def test_a_value_that_was_gathered_from_the_cells_came_from_the_function_that_each_called() -> None:
    found = made_by(
        "TypeError", "list indices must be integers or slices, not str",
        ("nova/quota.py", "_instances_cores_ram_count_legacy", "for resource, count in result['project'].items():"),
    )  # fmt: skip
    assert found == ("nova/objects/instance.py", "InstanceList", "get_counts")


def test_a_field_of_a_plain_object_was_given_to_its_constructor() -> None:
    found = made_by(
        "TypeError", "argument should be a bytes-like object or ASCII string, not 'NoneType'",
        ("barbican/plugin/resources.py", "store_secret", "secret_metadata = _store_secret_using_plugin(store_plugin, secret_dto,"),
        ("barbican/plugin/resources.py", "_store_secret_using_plugin",
         "secret_metadata = store_plugin.store_secret(secret_dto, context)"),
        ("barbican/plugin/store_crypto.py", "store_secret", "secret_bytes = base64.b64decode(secret_dto.secret)"),
        ("base64.py", "b64decode", "s = _bytes_from_decode_data(s)"),
    )  # fmt: skip
    assert found == ("barbican/plugin/util/translations.py", None, "normalize_before_encryption")


def test_none_was_given_by_the_caller_and_not_made_by_what_works_on_it() -> None:
    frames = (
        ("nova/api/metadata/base.py", "__init__", "self.ip_info = netutils.get_ec2_ip_info(None)"),
        ("nova/virt/netutils.py", "get_ec2_ip_info", "for vif in network_info:"),
    )
    assert made_by("TypeError", "'NoneType' object is not iterable", *frames) == (frames[0][0], None, "__init__")
    assert made_by("TypeError", "'int' object is not iterable", *frames) != (frames[0][0], None, "__init__")


def test_what_a_call_that_did_not_return_would_have_given_was_not_given_to_it() -> None:
    file = "nova/api/openstack/compute/servers.py"
    frames = (
        (file, "_process_networks_for_create", "requested_networks = self._get_requested_networks("),
        (file, "_get_requested_networks", "for network in requested_networks:"),
    )
    found = made_by("TypeError", "'NoneType' object is not iterable", *frames)
    assert found is not None
    assert found[2] == "_process_networks_for_create"


def test_whose_method_is_called_on_what_a_function_gave_cannot_be_told() -> None:
    file = "nova/db/main/api.py"
    project = SourceCode([file]).project(file)
    assert project is not None
    caller = project.function(file, "instance_extra_update_by_uuid")
    assert caller is not None
    assert project.called(caller, "model_query.filter_by.update") is None
    assert project.called(caller, "model_query") == project.function(file, "model_query")
