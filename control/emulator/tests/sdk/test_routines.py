"""The emulated routines, as the vendor's library meets them: code, versions, what runs where, variables, routes."""

import unittest
import urllib.error
import urllib.request

import requests
from alibabacloud_esa20240910 import models
from alibabacloud_esa20240910.client import Client
from alibabacloud_tea_openapi.utils_models import Config
from darabonba.exceptions import DaraException
from emulated import KEY, SECRET, ZONE, Emulator

NAME = "python-edge"


def setUpModule():
    global emulator, client
    emulator = Emulator()
    endpoint = emulator.esa.removeprefix("http://")
    client = Client(Config(access_key_id=KEY, access_key_secret=SECRET, endpoint=endpoint, protocol="http"))


def tearDownModule():
    emulator.stop()


def upload(code):
    request = models.GetRoutineStagingCodeUploadInfoRequest(name=NAME)
    fields = dict(client.get_routine_staging_code_upload_info(request).body.oss_post_config)
    url = fields.pop("Url")
    return requests.post(url, data=fields, files={"file": code}).status_code


def commit(code):
    assert upload(code) == 200
    request = models.CommitRoutineStagingCodeRequest(name=NAME, code_description=code[:20], deploy_env="production")
    return client.commit_routine_staging_code(request).body.code_version


def visit(host):
    with urllib.request.urlopen(urllib.request.Request(emulator.settings["EDGE"], headers={"host": host})) as answer:
        return answer.read().decode()


class Routines(unittest.TestCase):
    def failure(self, code, call, *arguments):
        with self.assertRaises(DaraException) as caught:
            call(*arguments)
        self.assertEqual(caught.exception.code, code)

    def test_code_goes_through_its_life(self):
        self.assertEqual(client.get_er_service(models.GetErServiceRequest()).body.status, "Running")
        create = models.CreateRoutineRequest(name=NAME, description="of a test")
        client.create_routine(create)
        self.failure("RoutineAlreadyExist", client.create_routine, create)
        word = {"WORD": models.EnvironmentVariablesValue(value="told", type="plain_text")}
        variables = models.SetRoutineEnvironmentVariablesRequest(name=NAME, env="production", environment_variables=word)
        client.set_routine_environment_variables(variables)
        first = commit("export default { fetch: (request, context, env) => new Response(env.WORD) };")
        second = commit("export default { fetch: () => new Response('second') };")
        site = client.list_sites(models.ListSitesRequest(site_name=ZONE)).body.sites[0].site_id
        rule = f'(http.host eq "python.{ZONE}")'
        route = models.CreateRoutineRouteRequest(
            site_id=site, routine_name=NAME, route_name="python", route_enable="on", rule=rule, bypass="off"
        )
        route = client.create_routine_route(route).body.config_id
        listed = client.list_routine_routes(models.ListRoutineRoutesRequest(routine_name=NAME)).body.configs
        self.assertEqual([(found.config_id, found.rule) for found in listed], [(route, rule)])
        publish = models.PublishRoutineCodeVersionRequest(name=NAME, env="production", code_version=first)
        client.publish_routine_code_version(publish)
        self.assertEqual(visit(f"python.{ZONE}"), "told")
        shares = [(first, 5), (second, 95)]
        shares = [models.CreateRoutineCodeDeploymentRequestCodeVersions(code_version=v, percentage=p) for v, p in shares]
        deploy = models.CreateRoutineCodeDeploymentRequest(
            name=NAME, env="production", strategy="percentage", code_versions=shares
        )
        client.create_routine_code_deployment(deploy)
        seen = {visit(f"python.{ZONE}") for _ in range(200)}
        self.assertEqual(seen, {"told", "second"})
        envs = client.get_routine(models.GetRoutineRequest(name=NAME)).body.envs
        running = next(env for env in envs if env.env == "production").code_deploy.code_versions
        self.assertEqual([(found.code_version, found.percentage) for found in running], [(first, 5), (second, 95)])
        delete = models.DeleteRoutineCodeVersionRequest(name=NAME, code_version=first)
        self.failure("DependedByOthers", client.delete_routine_code_version, delete)
        for number in range(8):
            commit(f"export default {{ fetch: () => new Response('{number}') }};")
        upload("export default {};")
        again = models.CommitRoutineStagingCodeRequest(name=NAME)
        self.failure("RoutineCodeVersionExceedQuotaLimit", client.commit_routine_staging_code, again)
        client.delete_routine_route(models.DeleteRoutineRouteRequest(site_id=site, config_id=route))
        with self.assertRaises(urllib.error.HTTPError) as caught:
            visit(f"python.{ZONE}")
        caught.exception.close()
        client.delete_routine(models.DeleteRoutineRequest(name=NAME))
        self.failure("RoutineNotExist", client.get_routine, models.GetRoutineRequest(name=NAME))


if __name__ == "__main__":
    unittest.main()
