namespace BackupApi.Files;

/// <summary>Makes one step of a plan, or takes it back. Each may be asked again after a kill at any instruction: where a thing lies tells what is left to do.</summary>
/// <remarks>
/// A staged object lies in <c>new/</c> exactly as long as its step is not made; nobody but this service writes there. For an exchange both sides exist before
/// and after, so the inode of the staged one decides; where inodes cannot be trusted no exchange is used, and being there or not decides alone.
/// </remarks>
internal sealed class SwapMoves(SwapFolder folder, SwapPlan plan)
{
    private bool canExchange = plan.CanExchange;

    /// <summary>Brings the step's name to its new state. Made already: does nothing.</summary>
    public void Forward(int index)
    {
        var step = plan.Steps[index];
        var (live, staged, aside) = Places(index);
        switch (step.Action)
        {
            case SwapAction.Exchange:
                if (Posix.FindStat(staged) is { } waiting && (!plan.CanExchange || waiting.Inode == step.StagedInode))
                {
                    TakeThePlace(live, staged, aside);
                }

                SetTime(live, step.After);
                break;
            case SwapAction.Add:
                if (Exists(staged))
                {
                    // Something that came up under this name since the plan was made goes aside and is kept until the end.
                    MoveAside(live, aside);
                    Posix.RenameNew(staged, live);
                }

                SetTime(live, step.After);
                break;
            case SwapAction.Remove:
                if (!Exists(aside))
                {
                    MoveAside(live, aside);
                }

                break;
            default:
                Apply(live, step.After!);
                break;
        }
    }

    /// <summary>Brings the step's name back to its old state, attributes apart. Never made, or taken back already: does nothing.</summary>
    public void Backward(int index)
    {
        var step = plan.Steps[index];
        var (live, staged, aside) = Places(index);
        if (step.Action == SwapAction.Attributes)
        {
            return;
        }

        if (Exists(aside))
        {
            // Moved in two renames: the new one, if it went in, goes home first.
            if (step.Action == SwapAction.Remove)
            {
                MoveAside(live, $"{aside}.later");
            }
            else if (!Exists(staged))
            {
                MoveAside(live, staged);
            }

            Posix.RenameNew(aside, live);
        }
        else if (step.Action != SwapAction.Remove && !Exists(staged))
        {
            MoveAside(live, staged);
        }
        else if (step.Action == SwapAction.Exchange && plan.CanExchange && Posix.FindStat(staged) is { } replaced && replaced.Inode != step.StagedInode)
        {
            TakeBack(live, staged);
        }
    }

    /// <summary>Gives folders their old time, and those that stayed where they are their old owner and mode: last of all, for each name moved back changed the time of its folder. The staged ones too: they may be put in place later.</summary>
    public void RestoreAttributes()
    {
        foreach (var step in plan.Steps)
        {
            SetTime($"{folder.New}/{step.Path}", step.After);
            if (step.Action == SwapAction.Attributes)
            {
                Apply($"{folder.Root}/{step.Path}", step.Before!);
            }
            else
            {
                SetTime($"{folder.Root}/{step.Path}", step.Before);
            }
        }
    }

    private static void SetTime(string live, SwapAttributes? wanted)
    {
        if (wanted is not null && Posix.FindStat(live) is { Kind: Model.FileKind.Directory } now && now.Modified != wanted.Modified)
        {
            Posix.SetModified(live, wanted.Modified);
        }
    }

    private void TakeThePlace(string live, string staged, string aside)
    {
        if (canExchange && Exists(live))
        {
            try
            {
                Posix.Exchange(live, staged);
                return;
            }
            catch (PosixException e) when (e.Errno is Errno.EINVAL or Errno.ENOSYS or Errno.EOPNOTSUPP)
            {
                canExchange = false;
            }
        }

        MoveAside(live, aside);
        Posix.RenameNew(staged, live);
    }

    private static void TakeBack(string live, string staged)
    {
        if (Exists(live))
        {
            Posix.Exchange(live, staged);
        }
        else
        {
            Posix.RenameNew(staged, live);
        }
    }

    /// <summary>A name that is gone needs no moving; a place that is taken means that it was moved before and something came up under its name since.</summary>
    private static void MoveAside(string live, string aside)
    {
        if (!Exists(live))
        {
            return;
        }

        var place = aside;
        for (var i = 1; Exists(place); i++)
        {
            place = $"{aside}.{i}";
        }

        Posix.RenameNew(live, place);
    }

    private static void Apply(string live, SwapAttributes wanted)
    {
        if (Posix.FindStat(live) is not { Kind: Model.FileKind.Directory } now)
        {
            return;
        }

        if ((now.Uid, now.Gid) != (wanted.Uid, wanted.Gid))
        {
            Posix.SetOwner(live, wanted.Uid, wanted.Gid);
        }

        Posix.SetMode(live, wanted.Mode);
        Posix.SetModified(live, wanted.Modified);
    }

    private (string Live, string Staged, string Aside) Places(int index)
    {
        var path = plan.Steps[index].Path;
        return ($"{folder.Root}/{path}", $"{folder.New}/{path}", $"{folder.Old}/{index}");
    }

    private static bool Exists(string path) => Posix.FindStat(path) is not null;
}
