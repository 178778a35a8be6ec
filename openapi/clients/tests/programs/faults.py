import os
from collections.abc import Callable

from miaobu import (
    Miaobu,
    NewProject,
    ProblemError,
    ProjectPatch,
    RequestOptions,
    SettingsPatch,
    folder,
    pages,
)

url = os.environ["MIAOBU_URL"]
miaobu = Miaobu(url, "secret")


def refused(request: Callable[[], object]) -> ProblemError:
    try:
        request()
    except ProblemError as problem:
        return problem
    raise AssertionError("it was not refused")


print("made", miaobu.create_project(NewProject(slug="flaky")).data.slug)
print("sites", *(project.slug for project in pages(miaobu.list_projects)))

gaps: list[None] = []
print("lines", *(line.seq for line in miaobu.follow_logs(7, on_gap=lambda: gaps.append(None))))
print("gaps", len(gaps))

missing = refused(lambda: miaobu.get_project("café/bar"))
print("problem", missing.status, missing.code, missing.request_id)
field = refused(lambda: miaobu.create_project(NewProject(slug="api"))).errors[0]
print("field", field.pointer, field.code)
proxy = refused(lambda: Miaobu(url, "secret", attempts=2).get_user())
print("proxy", proxy.status, proxy.code)

patch = ProjectPatch(settings=SettingsPatch(not_found=None, html_handling="drop"))
miaobu.update_project("flaky", patch, options=RequestOptions(if_match='"v1"'))
print("uploaded", miaobu.deploy_files("flaky", folder("dist")).status)
print("waited", miaobu.wait_for_deployment(7).status)
