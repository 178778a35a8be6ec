"""The peer of the API: the same answers from the same tables, by FastAPI, SQLAlchemy and uvicorn as their guides have it."""

import hashlib
import os
from datetime import datetime, timezone
from typing import Annotated

from fastapi import Depends, FastAPI, Header, HTTPException
from pydantic import BaseModel
from sqlalchemy import JSON, ForeignKey, LargeBinary, String, TypeDecorator, select
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Time(TypeDecorator):
    """TIMESTAMPTZ in PostgreSQL, text in SQLite."""

    impl = String
    cache_ok = True

    def load_dialect_impl(self, dialect):
        return dialect.type_descriptor(TIMESTAMP(timezone=True) if dialect.name == "postgresql" else String())

    def process_bind_param(self, value, dialect):
        return value if dialect.name == "postgresql" or value is None else value.isoformat()

    def process_result_value(self, value, dialect):
        return value if dialect.name == "postgresql" or value is None else datetime.fromisoformat(value)


Object = JSON().with_variant(JSONB(), "postgresql")


class Base(DeclarativeBase):
    pass


class Token(Base):
    __tablename__ = "api_tokens"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int]
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary)
    expires_at: Mapped[datetime | None] = mapped_column(Time)
    revoked_at: Mapped[datetime | None] = mapped_column(Time)


class Member(Base):
    __tablename__ = "team_members"
    team_id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(primary_key=True)


class Project(Base):
    __tablename__ = "projects"
    id: Mapped[int] = mapped_column(primary_key=True)
    team_id: Mapped[int]
    slug: Mapped[str]
    kind: Mapped[str]
    settings: Mapped[dict] = mapped_column(Object)
    created_at: Mapped[datetime] = mapped_column(Time)
    updated_at: Mapped[datetime] = mapped_column(Time)
    deleted_at: Mapped[datetime | None] = mapped_column(Time)


class Deployment(Base):
    __tablename__ = "deployments"
    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"))
    environment: Mapped[str]
    branch: Mapped[str | None]
    status: Mapped[str]
    source: Mapped[str]
    commit_sha: Mapped[str | None]
    commit_message: Mapped[str | None]
    file_count: Mapped[int]
    size_bytes: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(Time)
    deployed_at: Mapped[datetime | None] = mapped_column(Time)
    deadline_at: Mapped[datetime | None] = mapped_column(Time)
    deleted_at: Mapped[datetime | None] = mapped_column(Time)


class Release(Base):
    __tablename__ = "releases"
    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int]
    environment: Mapped[str]
    deployment_id: Mapped[int]
    in_force: Mapped[bool]


class ProjectOut(BaseModel):
    id: int
    team_id: int
    slug: str
    kind: str
    url: str
    status: str
    active_deployment_id: int | None
    settings: dict
    created_at: datetime
    updated_at: datetime


class DeploymentOut(BaseModel):
    id: int
    project_id: int
    project: str
    environment: str
    branch: str | None
    status: str
    source: str
    commit_sha: str | None
    commit_message: str | None
    file_count: int
    size_bytes: int
    url: str
    pinned_url: str
    active: bool
    created_at: datetime
    deployed_at: datetime | None
    deadline_at: datetime | None


class ProjectPage(BaseModel):
    data: list[ProjectOut]
    next_cursor: str | None


class DeploymentPage(BaseModel):
    data: list[DeploymentOut]
    next_cursor: str | None


class DeploymentData(BaseModel):
    data: DeploymentOut


engine = create_async_engine(os.environ["DATABASE_URL"], pool_size=8, max_overflow=0)
sessions = async_sessionmaker(engine, expire_on_commit=False)
app = FastAPI()


async def database():
    async with sessions() as session:
        yield session


Database = Annotated[AsyncSession, Depends(database)]


async def caller(session: Database, authorization: Annotated[str, Header()]) -> int:
    secret = authorization.removeprefix("Bearer ")
    digest = hashlib.sha256(secret.encode()).digest()
    token = await session.scalar(select(Token).where(Token.secret_hash == digest, Token.revoked_at.is_(None)))
    if token is None or (token.expires_at and token.expires_at <= datetime.now(timezone.utc)):
        raise HTTPException(401)
    return token.user_id


Caller = Annotated[int, Depends(caller)]


def cursor_of(rows: list, limit: int) -> str | None:
    return str(rows[limit - 1].id) if len(rows) > limit else None


@app.get("/api/v1/public/projects")
async def list_projects(session: Database, user: Caller, limit: int = 20) -> ProjectPage:
    active = (
        select(Release.deployment_id)
        .where(Release.project_id == Project.id, Release.environment == "production", Release.in_force)
        .scalar_subquery()
    )
    newest = (
        select(Deployment.status)
        .where(Deployment.project_id == Project.id, Deployment.environment == "production", Deployment.deleted_at.is_(None))
        .order_by(Deployment.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    teams = (await session.scalars(select(Member.team_id).where(Member.user_id == user))).all()
    query = select(Project, active, newest).where(Project.team_id.in_(teams), Project.deleted_at.is_(None))
    query = query.order_by(Project.created_at.desc(), Project.id.desc()).limit(limit + 1)
    rows = (await session.execute(query)).all()
    data = [
        ProjectOut(
            id=project.id,
            team_id=project.team_id,
            slug=project.slug,
            kind=project.kind,
            url=f"http://{project.slug}.localhost",
            status="running" if deployment else status or "stopped",
            active_deployment_id=deployment,
            settings=project.settings,
            created_at=project.created_at,
            updated_at=project.updated_at,
        )
        for project, deployment, status in rows[:limit]
    ]
    return ProjectPage(data=data, next_cursor=cursor_of([row[0] for row in rows], limit))


def deployments(user: int):
    active = select(Release.id).where(Release.deployment_id == Deployment.id, Release.in_force).exists()
    query = select(Deployment, Project.slug, active).join(Project, Project.id == Deployment.project_id)
    query = query.join(Member, (Member.team_id == Project.team_id) & (Member.user_id == user))
    return query.where(Deployment.deleted_at.is_(None), Project.deleted_at.is_(None))


def shown(row) -> DeploymentOut:
    deployment, slug, active = row
    return DeploymentOut(
        id=deployment.id,
        project_id=deployment.project_id,
        project=slug,
        environment=deployment.environment,
        branch=deployment.branch,
        status=deployment.status,
        source=deployment.source,
        commit_sha=deployment.commit_sha,
        commit_message=deployment.commit_message,
        file_count=deployment.file_count,
        size_bytes=deployment.size_bytes,
        url=f"http://{slug}.localhost",
        pinned_url=f"http://{slug}-d{deployment.id}.localhost",
        active=active,
        created_at=deployment.created_at,
        deployed_at=deployment.deployed_at,
        deadline_at=deployment.deadline_at,
    )


@app.get("/api/v1/public/deployments/{deployment_id}")
async def get_deployment(session: Database, user: Caller, deployment_id: int) -> DeploymentData:
    row = (await session.execute(deployments(user).where(Deployment.id == deployment_id))).one_or_none()
    if row is None:
        raise HTTPException(404)
    return DeploymentData(data=shown(row))


@app.get("/api/v1/public/projects/{project}/deployments")
async def list_deployments(session: Database, user: Caller, project: str, limit: int = 20) -> DeploymentPage:
    query = deployments(user).where(Project.slug == project)
    query = query.order_by(Deployment.created_at.desc(), Deployment.id.desc()).limit(limit + 1)
    rows = (await session.execute(query)).all()
    return DeploymentPage(data=[shown(row) for row in rows[:limit]], next_cursor=cursor_of([row[0] for row in rows], limit))
